"""What a run is shown as: a terminal table and one HTML file."""
