"""Requests: what is held against the models of AWS's APIs before anything is served."""
