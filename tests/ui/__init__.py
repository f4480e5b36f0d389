"""The page: with a fake service by Streamlit's AppTest, and with the real one in a real browser."""
