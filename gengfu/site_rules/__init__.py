"""The rules and matrices of a site: those that are shipped, what the site changes of them, and what it adds."""
