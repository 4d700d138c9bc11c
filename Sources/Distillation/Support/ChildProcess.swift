import Files
import Foundation

/// Another program, run with pipes or files for its standard streams.
///
/// Foundation's `Process` and `Pipe` end this process where file descriptors run out; here that is an error.
final class ChildProcess {
    /// Where a standard stream comes from or goes.
    enum Stream {
        case nothing
        case pipe
        /// A file that is made, or emptied.
        case file(URL)
    }

    /// How it ended.
    enum Ending: Equatable {
        case exit(Int32)
        case signal(Int32)

        var description: String {
            switch self {
            case .exit(let code): "status \(code)"
            case .signal(let number): "signal \(number)"
            }
        }
    }

    let identifier: pid_t
    /// This end of a pipe to its standard input.
    private var input: Int32?
    /// This end of a pipe from its standard output.
    private var output: Int32?
    private var ending: Ending?

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - program: Its file.
    ///   - arguments: Those behind its name.
    ///   - environment: All of its variables.
    ///   - input: Its standard input: nothing or a pipe.
    ///   - output: Its standard output.
    ///   - errors: Its standard error: nothing or a file.
    /// - Throws: ``DistillationError`` that names the program.
    init(
        _ program: URL, _ arguments: [String], environment: [String: String], input: Stream = .nothing,
        output: Stream = .nothing, errors: Stream = .nothing
    ) throws {
        let path = program.path(percentEncoded: false)
        var open = Descriptors(program: path)
        defer { open.closeAll() }
        let stdin = try open.source(input)
        let stdout = try open.sink(output)
        let stderr = try open.sink(errors)

        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #else
            var actions = posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        for (end, number) in [(stdin, STDIN_FILENO), (stdout, STDOUT_FILENO), (stderr, STDERR_FILENO)] {
            posix_spawn_file_actions_adddup2(&actions, end.theirs, number)
        }
        // What this process ignores or blocks is not for others to inherit.
        var (ignored, blocked) = (sigset_t(), sigset_t())
        sigemptyset(&ignored)
        sigemptyset(&blocked)
        for number in [SIGPIPE, SIGXFSZ] { sigaddset(&ignored, number) }
        posix_spawnattr_setsigdefault(&attributes, &ignored)
        posix_spawnattr_setsigmask(&attributes, &blocked)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

        let words = ([path] + arguments).map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for word in words + variables { free(word) } }
        var identifier = pid_t()
        let code = posix_spawn(&identifier, path, &actions, &attributes, words, variables)
        guard code == 0 else {
            throw DistillationError("\(path): cannot be started: \(String(cString: strerror(code)))")
        }
        self.identifier = identifier
        self.input = stdin.ours.map { open.keep($0) }
        self.output = stdout.ours.map { open.keep($0) }
    }

    deinit {
        closeInput()
        if let output { close(output) }
    }

    // MARK: - Talking

    /// Writes to its standard input, which must be a pipe.
    ///
    /// - Throws: `FileError` where it reads no more.
    func write(_ text: String) throws {
        guard let input else { return }
        var text = text
        try text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = Foundation.write(input, rest.baseAddress, rest.count)
                if count > 0 {
                    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
                } else if errno != EINTR {
                    throw FileError.writeFailed("a pipe", reason: String(cString: strerror(errno)))
                }
            }
        }
    }

    /// Reads from its standard output, which must be a pipe.
    ///
    /// - Returns: How many bytes there were; 0 at the end.
    func read(into buffer: inout [UInt8]) -> Int {
        guard let output else { return 0 }
        while true {
            let count = Foundation.read(output, &buffer, buffer.count)
            if count >= 0 || errno != EINTR { return max(0, count) }
        }
    }

    /// Ends its standard input.
    func closeInput() {
        if let input { close(input) }
        input = nil
    }

    // MARK: - Ending

    /// Waits for its end.
    func wait() -> Ending { end(options: 0) ?? .exit(-1) }

    /// How it ended; `nil` while it runs.
    var ended: Ending? { end(options: WNOHANG) }

    private func end(options: Int32) -> Ending? {
        if let ending { return ending }
        var status: Int32 = 0
        var found: pid_t
        repeat { found = waitpid(identifier, &status, options) } while found < 0 && errno == EINTR
        if found == 0 { return nil }
        let number = status & 0x7F
        ending = found < 0 ? .exit(-1) : number == 0 ? .exit(status >> 8 & 0xFF) : .signal(number)
        return ending
    }
}

extension ChildProcess {
    /// Runs a program to its end.
    ///
    /// - Returns: How it ended, and what it wrote.
    /// - Throws: ``DistillationError`` where it cannot be started; `FileError` where there is no room for its output.
    static func run(
        _ program: URL, _ arguments: [String], environment: [String: String]
    ) throws -> (ending: Ending, output: String, errors: String) {
        let folder = try TemporaryFolder()
        let (output, errors) = (folder.url.appending(path: "output"), folder.url.appending(path: "errors"))
        // Files rather than pipes, of which one could fill up while the other is read.
        let process = try ChildProcess(
            program, arguments, environment: environment, output: .file(output), errors: .file(errors))
        let ending = process.wait()
        return (ending, try text(output), try text(errors))
    }

    /// The text of a file, whatever its bytes are.
    static func text(_ url: URL) throws -> String {
        let file = try MappedFile(url)
        return withExtendedLifetime(file) { String(decoding: file.bytes, as: UTF8.self) }
    }
}

/// The descriptors of a process that is being started: all are closed again but those that are kept.
private struct Descriptors {
    let program: String
    private var all: [Int32] = []

    init(program: String) { self.program = program }

    /// An end for the other process, and where it is a pipe's the end for this one.
    typealias Ends = (theirs: Int32, ours: Int32?)

    mutating func source(_ stream: ChildProcess.Stream) throws -> Ends {
        guard case .pipe = stream else { return (try opened("/dev/null", O_RDONLY), nil) }
        let (reading, writing) = try pipe()
        return (reading, writing)
    }

    mutating func sink(_ stream: ChildProcess.Stream) throws -> Ends {
        switch stream {
        case .nothing: return (try opened("/dev/null", O_WRONLY), nil)
        case .file(let url):
            return (try opened(url.path(percentEncoded: false), O_WRONLY | O_CREAT | O_TRUNC), nil)
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

    private func failure(_ what: String) -> DistillationError {
        DistillationError(
            "\(program): cannot be started: \(what): \(String(cString: strerror(errno)))")
    }
}
