"""Lake Formation: its settings of the Data Catalog."""
