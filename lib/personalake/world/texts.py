"""Sentences that people write, by topic and mood; all of them made up."""

MOODS = ("angry", "neutral", "happy")
TOPICS = ("delivery", "quality", "price", "account", "service")
OPENINGS = {
    "angry": ("This is the third time I write.", "I am really disappointed.", "Unbelievable.", "I have had enough."),
    "neutral": ("Hello,", "Good day,", "A question:", "Dear team,"),
    "happy": ("Thank you so much!", "What a pleasant surprise.", "I just wanted to say thanks.", "You made my day."),
}
SENTENCES = {
    "angry": {
        "delivery": ("The parcel is days late and nobody answers.", "My order arrived broken again."),
        "quality": ("It fell apart after one use.", "The {product} is nothing like the picture."),
        "price": ("You raised the price of {product} overnight.", "I was charged twice and want my money back."),
        "account": ("I am locked out of my account for a week.", "Someone changed my address without asking."),
        "service": ("Your hotline hung up on me.", "The cashier was rude and refused my card."),
    },
    "neutral": {
        "delivery": ("When will my order arrive?", "Can the parcel be left with a neighbour?"),
        "quality": ("How do I clean the {product}?", "Does the {product} come in another size?"),
        "price": ("Is the {product} part of the offer?", "Where do I find the invoice?"),
        "account": ("How do I change my e-mail address?", "Please merge my two accounts."),
        "service": ("What are your opening hours on Saturday?", "Do you gift-wrap?"),
    },
    "happy": {
        "delivery": ("It came a day early and well packed.", "The courier even carried it upstairs."),
        "quality": ("The {product} is better than I hoped.", "We love the {product}."),
        "price": ("A fair price for such a {product}.", "The coupon worked like a charm."),
        "account": ("The new app is so easy to use.", "Signing up took me a minute."),
        "service": ("Your colleague on the phone solved it at once.", "Such friendly people at the till."),
    },
}
CLOSINGS = {
    "angry": ("I will shop elsewhere.", "I expect an answer today.", "Cancel everything."),
    "neutral": ("Thanks in advance.", "Kind regards", "Please let me know."),
    "happy": ("Keep it up!", "I will tell my friends.", "See you soon."),
}
