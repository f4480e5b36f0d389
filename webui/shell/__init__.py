"""What stands around every page: who visits, in which language, and what is said when something fails."""
