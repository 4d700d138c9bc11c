// What needs no Foundation lies in a module of its own; whoever imports this one has both.
@_exported import Storage
