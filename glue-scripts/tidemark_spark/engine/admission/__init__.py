"""Which bytes are an event, by the rules that the stream has."""
