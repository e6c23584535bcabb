"""Entities taken out of the tables and of the objects of the lake."""
