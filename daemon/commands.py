"""What the control socket answers: reads from boards and views, everything else by asking.

The client's texts are made from these answers, so every command returns plain values: numbers as
text where they are money, instants in RFC 3339.
"""
