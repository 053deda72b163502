"""What is written: pages, the main table as text, and where their numbers are from."""
