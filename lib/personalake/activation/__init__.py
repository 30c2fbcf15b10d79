"""How do decisions leave?"""
