// How texts are generated: whoever imports this module names its options too.
@_exported import Decoding
