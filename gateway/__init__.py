"""Ticket Gateway: the e-mail door of a support desk."""

__version__ = "0.1.0"
