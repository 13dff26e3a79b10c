"""Canaries: numbers and texts that must not be seen where they do not belong, and a search that undoes encodings.

A canary is a pair of number and text that was sent through the system. `scan` looks for every one of them in
bytes from a surface (a log, a file, a page), as it is and through layers of encoding. It errs on the side of
looking too far: what it does not find was not there in any form that a careless program would have made.

Not undone: zstd, LZ4, Brotli, deflate without a header, pictures, what is encrypted. Not found: a number below 2^31
that an RDB file holds as a bare integer, four bytes that chance writes as well; its live key is read as text.
A new sink that writes another encoding brings its layer, and the planted form that only this layer brings to light.
"""
