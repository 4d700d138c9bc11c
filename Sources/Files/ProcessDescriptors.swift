import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The descriptors of a process that is being started: all are closed again but those that are kept.
struct ProcessDescriptors {
    let program: String
    private var all: [Int32] = []

    init(program: String) { self.program = program }

    /// An end for the other process, and where it is a pipe's the end for this one.
    typealias Ends = (theirs: Int32, ours: Int32?)

    mutating func source(_ stream: ChildProcess.Stream) throws -> Ends {
        switch stream {
        case .pipe:
            let (reading, writing) = try pipe()
            return (reading, writing)
        case .inherited: return (STDIN_FILENO, nil)
        case .nothing: return (try opened("/dev/null", O_RDONLY), nil)
        case .file(let url): return (try opened(url.plainPath, O_RDONLY), nil)
        }
    }

    mutating func sink(_ stream: ChildProcess.Stream, inherited: Int32) throws -> Ends {
        switch stream {
        case .inherited: return (inherited, nil)
        case .nothing: return (try opened("/dev/null", O_WRONLY), nil)
        case .file(let url):
            return (try opened(url.plainPath, O_WRONLY | O_CREAT | O_TRUNC), nil)
        case .pipe:
            let (reading, writing) = try pipe()
            return (writing, reading)
        }
    }

    /// Leaves a descriptor open.
    mutating func keep(_ descriptor: Int32) -> Int32 {
        all.removeAll { $0 == descriptor }
        return descriptor
    }

    mutating func closeAll() {
        for descriptor in all { close(descriptor) }
        all = []
    }

    private mutating func opened(_ path: String, _ flags: Int32) throws -> Int32 {
        try take(open(path, flags | O_CLOEXEC, 0o600), path)
    }

    private mutating func pipe() throws -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        guard Foundation.pipe(&ends) == 0 else { throw failure("a pipe") }
        all += ends
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (try raised(ends[0]), try raised(ends[1]))
    }

    private mutating func take(_ descriptor: Int32, _ what: String) throws -> Int32 {
        guard descriptor >= 0 else { throw failure(what) }
        all.append(descriptor)
        return try raised(descriptor)
    }

    /// The descriptor under a number that is no standard stream's, where this process has closed its own.
    private mutating func raised(_ descriptor: Int32) throws -> Int32 {
        guard descriptor <= STDERR_FILENO else { return descriptor }
        let other = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        guard other >= 0 else { throw failure("a pipe") }
        all.append(other)
        return other
    }

    private func failure(_ what: String) -> FileError {
        .notStarted(program, reason: "\(what): \(lastSystemError())")
    }
}
