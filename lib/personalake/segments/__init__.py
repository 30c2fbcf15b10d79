"""Which groups do people fall into?"""
