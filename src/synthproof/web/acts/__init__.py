"""What happens: each act changes the tables and adds its line to a journal in one transaction. No page, no request."""
