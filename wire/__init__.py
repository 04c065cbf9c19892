"""What crosses between tasks: boards, mailboxes, events, health, and the clock they share."""
