import Files
import Foundation
import Testing

@Suite("Other programs")
struct ChildProcessTests {
    private let shell = URL(filePath: "/bin/sh")

    @Test("output, errors, variables and the way it ended are those of the program")
    func run() throws {
        let result = try ChildProcess.run(
            shell, ["-c", "echo out $WORD; echo err >&2; exit 3"], environment: ["WORD": "a b"])
        #expect(result.ending == .exit(3))
        #expect(result.output == "out a b\n" && result.errors == "err\n")
        let killed = try ChildProcess.run(shell, ["-c", "kill -9 $$"], environment: [:])
        #expect(killed.ending == .signal(9) && killed.ending.description == "signal 9")
    }

    @Test("lines pass through pipes, and the end of input ends it")
    func pipes() throws {
        let process = try ChildProcess(
            URL(filePath: "/bin/cat"), [], environment: [:], input: .pipe, output: .pipe)
        try process.write("a line\n")
        var buffer = [UInt8](repeating: 0, count: 100)
        let count = process.read(into: &buffer)
        #expect(String(decoding: buffer[..<count], as: UTF8.self) == "a line\n")
        #expect(process.ended == nil)
        process.closeInput()
        #expect(process.read(into: &buffer) == 0)
        #expect(process.wait() == .exit(0) && process.ended == .exit(0))
    }

    @Test("lines are read one by one, and an unfinished one is none")
    func lines() throws {
        let process = try ChildProcess(
            shell, ["-c", "printf 'one\\ntwo\\n\\nrest'; cat >/dev/null"], environment: [:], input: .pipe,
            output: .pipe)
        #expect(process.readLine() == "one" && process.readLine() == "two" && process.readLine() == "")
        process.closeInput()
        #expect(process.readLine() == nil && process.wait() == .exit(0))
    }

    @Test("files and pipes that are open here are not open there")
    func descriptors() throws {
        let inherited = open("/dev/null", O_RDONLY)
        defer { close(inherited) }
        let result = try ChildProcess.run(
            shell, ["-c", "ls /proc/self/fd"], environment: ["PATH": "/bin:/usr/bin"])
        // Its three streams, and the one by which ls reads the folder.
        #expect(result.output.split(separator: "\n").count == 4, "\(result)")
    }

    @Test("signals that this process ignores are the program's own again")
    func signals() throws {
        signal(SIGPIPE, SIG_IGN)
        let result = try ChildProcess.run(shell, ["-c", "kill -PIPE $$"], environment: [:])
        #expect(result.ending == .signal(SIGPIPE))
    }

    @Test("what cannot be started is an error that names it")
    func missing() throws {
        let error = #expect(throws: FileError.self) {
            try ChildProcess.run(URL(filePath: "/none/program"), [], environment: [:])
        }
        #expect(error?.description == "/none/program: cannot be started: No such file or directory")
    }
}
