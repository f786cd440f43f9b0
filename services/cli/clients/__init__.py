"""Clients on the command line: who stands for whom, merging, bulk import and export, contacts in conflict."""
