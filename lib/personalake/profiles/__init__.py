"""What do we know about each person?"""
