"""Step Functions: integrations with the state machine's own role, their errors, and the size of states."""
