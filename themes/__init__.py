"""The themes of this distribution: folders of tokens, logos and templates. No code."""
