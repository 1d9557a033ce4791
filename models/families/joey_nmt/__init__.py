"""Translators of JoeyNMT (Kreutzer, Bastings and Riezler 2019) with recurrent encoders and decoders."""
