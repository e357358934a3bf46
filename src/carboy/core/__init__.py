"""What a web application is. Knows no transport and no dialect; see ARCHITECTURE.md."""
