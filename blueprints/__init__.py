"""The features: one package each; they meet through topics and blueprints.auth only."""
