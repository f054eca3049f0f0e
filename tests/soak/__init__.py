"""`make soak`: days on a clock moved by hand, and ten real minutes over HTTP; does anything grow?"""
