"""Draws gold as one static page; reads nothing by itself and writes nothing but the page's text."""
