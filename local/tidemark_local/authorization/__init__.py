"""Who may do what beyond identity policies: resource policies for service principals, and customer keys."""
