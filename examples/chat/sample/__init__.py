"""The Django project of the sample: its settings and its URLs."""
