"""States of whole entities, as the stream engine would hold them, to the byte."""
