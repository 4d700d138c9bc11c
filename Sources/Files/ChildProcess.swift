import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A process of another program, with pipes or files for its standard streams; it inherits no other open file.
///
/// Foundation's `Process` and `Pipe` end this process where file descriptors run out; here that is an error.
public final class ChildProcess {
    /// The source or destination of a standard stream.
    public enum Stream: Sendable {
        case nothing
        case pipe
        /// This process's own stream.
        case inherited
        /// A file that is made, or emptied.
        case file(URL)
    }

    /// The way in which a process ended.
    public enum Ending: Equatable, Sendable, CustomStringConvertible {
        case exit(Int32)
        case signal(Int32)

        public var description: String {
            switch self {
            case .exit(let code): "status \(code)"
            case .signal(let number): "signal \(number)"
            }
        }
    }

    public let identifier: pid_t
    /// This end of a pipe to its standard input.
    private var input: Int32?
    /// This end of a pipe from its standard output.
    private var output: Int32?
    private var ending: Ending?
    /// The bytes read beyond the last line.
    private var rest: [UInt8] = []

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - program: Its file.
    ///   - arguments: Those after its name.
    ///   - environment: All of its variables.
    ///   - input: Its standard input: nothing, a pipe or this process's.
    ///   - output: Its standard output.
    ///   - errors: Its standard error: not a pipe, which nobody would read.
    ///   - ownsGroup: True to start it in a process group of its own, which signals to this one's group do not reach.
    /// - Throws: `FileError.notStarted`.
    public init(
        _ program: URL, _ arguments: [String], environment: [String: String], input: Stream = .nothing,
        output: Stream = .nothing, errors: Stream = .nothing, ownsGroup: Bool = false
    ) throws {
        let path = program.plainPath
        var open = ProcessDescriptors(program: path)
        defer { open.closeAll() }
        let stdin = try open.source(input)
        let stdout = try open.sink(output, inherited: STDOUT_FILENO)
        let stderr = try open.sink(errors, inherited: STDERR_FILENO)

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
        // It must not inherit other open descriptors (locks, caches, the user's pipes).
        for number in (try? FileManager.default.contentsOfDirectory(atPath: "/dev/fd")) ?? [] {
            guard let descriptor = Int32(number), descriptor > STDERR_FILENO else { continue }
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }
        // Nor the signals that this process ignores or blocks.
        var (ignored, blocked) = (sigset_t(), sigset_t())
        sigemptyset(&ignored)
        sigemptyset(&blocked)
        for number in [SIGPIPE, SIGXFSZ] { sigaddset(&ignored, number) }
        posix_spawnattr_setsigdefault(&attributes, &ignored)
        posix_spawnattr_setsigmask(&attributes, &blocked)
        var flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        if ownsGroup {
            posix_spawnattr_setpgroup(&attributes, 0)
            flags |= POSIX_SPAWN_SETPGROUP
        }
        posix_spawnattr_setflags(&attributes, Int16(flags))

        let words = ([path] + arguments).map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for word in words + variables { free(word) } }
        var identifier = pid_t()
        let code = posix_spawn(&identifier, path, &actions, &attributes, words, variables)
        guard code == 0 else {
            throw FileError.notStarted(path, reason: systemError(code))
        }
        self.identifier = identifier
        self.input = stdin.ours.map { open.keep($0) }
        self.output = stdout.ours.map { open.keep($0) }
    }

    deinit {
        closePipes()
    }

    private func closePipes() {
        closeInput()
        if let output { close(output) }
        output = nil
    }

    // MARK: - Talking

    /// Writes to its standard input, which must be a pipe.
    ///
    /// - Throws: `FileError` where it reads no more.
    public func write(_ text: String) throws {
        guard let input else { return }
        var text = text
        try text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = Foundation.write(input, rest.baseAddress, rest.count)
                if count > 0 {
                    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
                } else if errno != EINTR {
                    throw FileError.writeFailed("a pipe", reason: lastSystemError())
                }
            }
        }
    }

    /// Reads from its standard output, which must be a pipe.
    ///
    /// - Returns: The number of bytes; 0 at the end.
    public func read(into buffer: inout [UInt8]) -> Int {
        guard let output else { return 0 }
        while true {
            let count = Foundation.read(output, &buffer, buffer.count)
            if count >= 0 || errno != EINTR { return max(0, count) }
        }
    }

    /// The next line of its standard output without its end; `nil` at the end, where what follows the last line end is no
    /// line.
    public func readLine() -> String? {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: rest[..<end], as: UTF8.self)
                rest.removeSubrange(...end)
                return line
            }
            let count = read(into: &buffer)
            guard count > 0 else { return nil }
            rest += buffer[..<count]
        }
    }

    /// Ends its standard input.
    public func closeInput() {
        if let input { close(input) }
        input = nil
    }

    // MARK: - Ending

    /// Waits for its end.
    @discardableResult
    public func wait() -> Ending { end(options: 0) ?? .exit(-1) }

    /// Closes the pipes, which tells it to end, and waits for that.
    public func finish() {
        closePipes()
        wait()
    }

    /// The way in which it ended; `nil` while it runs.
    public var ended: Ending? { end(options: WNOHANG) }

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
    /// - Returns: The way in which it ended, and its output.
    /// - Throws: `FileError` where it cannot be started, or there is no room for its output.
    public static func run(
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
    public static func text(_ url: URL) throws -> String {
        let file = try MappedFile(url)
        return withExtendedLifetime(file) { String(decoding: file.bytes, as: UTF8.self) }
    }
}
