"""What libraries raise on a file that is truncated or damaged, turned into one error naming it."""

from __future__ import annotations

import gzip
import lzma
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from iohub.errors import FormatError, IohubError, NotFoundError, UnreadableError

# What parsers and decoders are known to raise on garbage; not what ends or limits the process.
_RAISED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,  # of XML
    TypeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    tokenize.TokenError,  # of NumPy's headers
    zipfile.BadZipFile,
    zlib.error,
)


# What decoders raise on the bytes of a chunk; a plain OSError without a number is theirs, too.
_DECODING = (EOFError, RuntimeError, ValueError, lzma.LZMAError, struct.error, zlib.error)


@contextmanager
def chunk_errors(url: str) -> Iterator[None]:
    """Turn what a decoder raises on a chunk's bytes into an error that names the array.

    Parameters
    ----------
    url : str
        The array whose pixels are read inside.

    Raises
    ------
    FormatError
        If a chunk cannot be decoded. What the system or a server refuses stays as it is.
    """
    try:
        yield
    except IohubError:
        raise
    except OSError as error:
        if type(error) not in (OSError, gzip.BadGzipFile) or error.errno is not None:
            raise
        raise _broken_chunk(url, error) from error
    except _DECODING as error:
        raise _broken_chunk(url, error) from error


def _broken_chunk(url: str, error: BaseException) -> FormatError:
    return FormatError(
        f"pixels of {url} cannot be read: a chunk is truncated or damaged ({error}); "
        "`iohub validate --deep` on the store lists every such chunk"
    )


@contextmanager
def named_errors(url: str) -> Iterator[None]:
    """Turn errors of other people's readers into iohub's own.

    Parameters
    ----------
    url : str
        The file that is read inside.

    Raises
    ------
    FormatError
        If what is done inside fails in a way in which readers fail on a damaged file.
    NotFoundError
        If a file is not there.
    UnreadableError
        If the system refuses to read.
    """
    try:
        yield
    except IohubError:
        raise
    except FileNotFoundError as error:
        raise NotFoundError(f"{url} cannot be read: {error}") from error
    except PermissionError as error:
        raise UnreadableError(f"{url} cannot be read: {error}") from error
    except _RAISED as error:
        said = f"{type(error).__name__}: {error}".rstrip(": ")
        raise FormatError(
            f"{url} cannot be read: it is truncated, damaged, or of a kind that its reader does "
            f"not understand ({said})"
        ) from error
