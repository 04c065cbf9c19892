"""The dashboard in headless Chromium against the app on fake boards."""
