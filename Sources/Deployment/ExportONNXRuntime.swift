import Distillation
import Exporters
import Files
import Foundation
import JSON
import Torch

/// Runs an exported `model.onnx` in Python's onnxruntime, in a process of its own.
struct ONNXRuntimeRunner: ExportedModelRunner {
    private let python: URL
    private let environment: [String: String]
    private let model: URL
    private let batchSize: Int
    private let paddingID: Int
    private let version: String

    var name: String { "onnxruntime \(version)" }

    /// Finds a Python that has onnxruntime: the request's, `DISTILL_PYTHON`, or `python3`.
    ///
    /// - Returns: The runner, or the reason why there is none.
    /// - Throws: `DistillationError` where a Python was named that is not there.
    static func find(
        for directory: URL, request: ExportRequest,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> Result<ONNXRuntimeRunner, ExportCheckLeftOut> {
        if let path = request.python?.path, !PythonInterpreter.isProgram(path) {
            throw DistillationError(
                "\(path): is no program; name a Python that has onnxruntime, or leave it out")
        }
        guard let python = try request.python.map({ PythonInterpreter($0) }) ?? PythonInterpreter(environment)
        else { return .failure(ExportCheckLeftOut("there is no python3. \(advice("python3"))")) }
        let path = python.url.path
        let result = try ChildProcess.run(
            python.url,
            PythonInterpreter.arguments("import onnxruntime, numpy; print(onnxruntime.__version__)"),
            environment: environment)
        guard result.ending == .exit(0), let line = result.output.split(separator: "\n").last else {
            return .failure(ExportCheckLeftOut("\(path) has no onnxruntime. \(advice(path))"))
        }
        let configuration = try JSONValue.load(contentsOf: directory.appending(path: "config.json"))
        return .success(
            ONNXRuntimeRunner(
                python: python.url, environment: environment,
                model: directory.appending(path: ONNXExporter.fileName),
                batchSize: request.batchSize,
                paddingID: configuration.objectValue?["pad_token_id"]?.intValue ?? 0, version: String(line)))
    }

    private static func advice(_ python: String) -> String {
        "To compare, install it (\(python) -m pip install onnxruntime) or name a Python that has it by DISTILL_PYTHON; PYTHONPATH "
            + "and packages installed with --user are not looked at."
    }

    func logits(_ examples: [EncodedExample], classes: Int) throws -> Logits {
        let folder = try TemporaryFolder()
        func file(_ name: String) -> URL { folder.url.appending(path: name) }
        func rows(_ rows: [[Int32]]) -> JSONValue {
            .array(rows.map { .array($0.map { .integer(Int($0)) }) })
        }
        let input: JSONValue = [
            "model": .string(model.path), "batch_size": .integer(batchSize),
            "pad_token_id": .integer(paddingID), "threads": .integer(Runtime.threadCount),
            "input_ids": rows(examples.map(\.inputIDs)), "token_type_ids": rows(examples.map(\.tokenTypeIDs)),
        ]
        try AtomicFile.write(input.serialized(), to: file("input.json"))
        let result = try ChildProcess.run(
            python,
            PythonInterpreter.arguments(
                PackageResources.onnx_logits_py, [file("input.json").path, file("output.json").path]),
            environment: environment)
        guard result.ending == .exit(0) else {
            let last = result.errors.split(separator: "\n").last.map(String.init) ?? result.ending.description
            throw DistillationError("onnxruntime cannot run the exported model: \(last); nothing was saved")
        }
        let output = try JSONValue.load(contentsOf: file("output.json"))
        let values = (output.arrayValue ?? []).flatMap { row in
            (row.arrayValue ?? []).map { Float($0.doubleValue ?? .nan) }
        }
        return Logits(values: values, classes: classes)
    }
}
