// How tokens are chosen needs no libtorch and lies in a module of its own; whoever imports this one has both.
@_exported import Decoding
