"""The routes under `/api/v1`, one module for each subject, and the shapes they answer with."""
