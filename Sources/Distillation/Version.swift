import DistillRuntime

/// The version of the package.
public typealias Version = DistillRuntime.Version
