import Files
import Foundation

/// The user's Python, for work that only its libraries can do.
///
/// It is always started isolated (`-I`): neither the working directory, nor a model's, nor `PYTHONPATH` can bring modules
/// of their own, so nothing that was downloaded runs.
package struct PythonInterpreter: Sendable, Equatable {
    package let url: URL

    /// Options before the script: isolated, and without leaving compiled files beside modules.
    package static let options = ["-I", "-B"]

    /// - Parameter environment: `DISTILL_PYTHON` names the interpreter; without it, `python3` is looked for in the
    ///   folders of `PATH`, as far as these are absolute: others would depend on the working directory.
    /// - Returns: `nil` where there is none on `PATH`.
    /// - Throws: ``DistillationError`` where `DISTILL_PYTHON` is no program.
    package init?(_ environment: [String: String]) throws {
        let named = environment["DISTILL_PYTHON"].flatMap { $0.isEmpty ? nil : $0 }
        // As in a shell, a name without a folder is looked for on the PATH.
        let path: String?
        if let named, named.contains("/") {
            path = Self.isProgram(named) ? named : nil
        } else {
            path = Self.onPath(named ?? "python3", environment)
        }
        if let path {
            url = URL(filePath: path)
        } else if let named {
            throw DistillationError(
                "DISTILL_PYTHON is \(named), which is no program; set it to a Python that has onnxruntime")
        } else {
            return nil
        }
    }

    package init(_ url: URL) { self.url = url }

    private static func onPath(_ name: String, _ environment: [String: String]) -> String? {
        (environment["PATH"] ?? "").split(separator: ":").filter { $0.hasPrefix("/") }
            .map { "\($0)/\(name)" }.first(where: isProgram)
    }

    package static func isProgram(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
            && !isDirectory.boolValue
            && FileManager.default.isExecutableFile(atPath: path)
    }

    /// The arguments that run a program of this package: one of its `.py` files, which are built into it.
    ///
    /// Python gets it as an argument, so that no file on the disk could be changed.
    package static func arguments(_ program: [UInt8], _ arguments: [String] = []) -> [String] {
        Self.arguments(String(decoding: program, as: UTF8.self), arguments)
    }

    /// The arguments that run a program given as text.
    package static func arguments(_ script: String, _ arguments: [String] = []) -> [String] {
        options + ["-c", script] + arguments
    }
}
