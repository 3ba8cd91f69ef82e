"""The nouns of milepost: frozen values, standard library only."""
