"""Breaks the pure modules on purpose, one place at a time: does some test notice?"""
