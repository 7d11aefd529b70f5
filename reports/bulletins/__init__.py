"""Bulletins (通报, 日报, 周报, 月报, year-end summaries): what they say, how they look, how they are kept."""
