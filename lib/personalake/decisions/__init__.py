"""What should be done for each person?"""
