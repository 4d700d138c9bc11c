import Files
import Foundation
import Testing

@testable import Benchmarking
@testable import Distillation

@Suite("Python")
struct PythonInterpreterTests {
    private func path(_ environment: [String: String]) throws -> String? {
        try PythonInterpreter(environment)?.url.path
    }

    @Test("it is where PATH or DISTILL_PYTHON says, and never where the working directory would decide")
    func places() throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "distill-python-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in ["python3", "python3.99"] {
            let file = folder.appending(path: name)
            try Data("#!/bin/sh\n".utf8).write(to: file)
            chmod(file.path, 0o755)
        }
        let own = folder.appending(path: "python3").path
        #expect(try path(["PATH": "\(folder.path):/bin"]) == own)
        #expect(try path(["PATH": ""]) == nil)
        // A folder of PATH that is relative, and one that is empty, mean the working directory.
        let here = FileManager.default.currentDirectoryPath
        let up = String(repeating: "../", count: here.split(separator: "/").count) + folder.path.dropFirst()
        #expect(FileManager.default.isExecutableFile(atPath: up + "/python3"))
        #expect(try path(["PATH": "\(up):.::"]) == nil)
        #expect(try path(["PATH": "/bin", "DISTILL_PYTHON": own]) == own)
        #expect(try path(["PATH": folder.path, "DISTILL_PYTHON": "python3.99"]) == own + ".99")
        #expect(throws: DistillationError.self) {
            try path(["PATH": "/none", "DISTILL_PYTHON": "python3.99"])
        }
    }

    @Test(
        "it is isolated: modules of the working directory, of PYTHONPATH and of a script's folder do not run")
    func isolated() throws {
        guard let python = try PythonInterpreter(ProcessInfo.processInfo.environment) else { return }
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "distill-python-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data("raise SystemExit('planted')".utf8).write(to: folder.appending(path: "json.py"))
        let environment = ProcessInfo.processInfo.environment.merging(["PYTHONPATH": folder.path]) { $1 }
        let result = try ChildProcess.run(
            python.url,
            PythonInterpreter.arguments(
                "import json, sys; print(json.dumps([sys.flags.isolated, '' in sys.path]))"),
            environment: environment)
        #expect(result.output == "[1, false]\n", "\(result.errors)")
        #expect(try OnnxWorker.command(environment).arguments.prefix(3) == ["-I", "-B", "-c"])
    }
}
