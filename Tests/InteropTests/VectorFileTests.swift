import DistillRuntime
import Foundation
import JSON
import Testing

/// Files of vectors, opened with numpy and safetensors.
@Suite(
    "Interoperation of files of vectors",
    .enabled(if: Python.isThere, "run `make test`, which installs Python's libraries"))
struct VectorFileTests {
    private static let script = Fixtures.folder.appending(path: "vectors.py").path

    private func embedder(in place: TemporaryDirectory) throws -> String {
        let folder = place.url.appending(path: "model")
        try FileManager.default.copyItem(at: Fixtures.teacher, to: folder)
        try FileManager.default.createDirectory(
            at: folder.appending(path: "1_Pooling"), withIntermediateDirectories: false)
        for (name, text) in [
            "modules.json":
                #"[{"path": "", "type": "a.Transformer"}, {"path": "1_Pooling", "type": "a.Pooling"}]"#,
            "1_Pooling/config.json": #"{"embedding_dimension": 32, "pooling_mode": "mean"}"#,
        ] {
            try Data(text.utf8).write(to: folder.appending(path: name))
        }
        return folder.path
    }

    @Test(
        "Python reads the vectors that were written, bit for bit, of none, one and many texts",
        arguments: ["npy", "safetensors"], [0, 1, 1003])
    func read(_ format: String, _ count: Int) throws {
        let place = try TemporaryDirectory()
        let predictor = try LinePredictor(directory: embedder(in: place), .init())
        let inputs = (0..<count).map { LineInput(.init("a wonderful film \($0)"), name: "text \($0 + 1)") }
        var rest = inputs[...]
        let file = place.url.appending(path: "vectors.\(format)").path
        let run = LineRun(predictor) { "text \($0)" }
        try run.write(PredictionFile(file)) {
            defer { rest = rest.dropFirst(100) }
            return rest.isEmpty ? nil : Array(rest.prefix(100))
        }
        let result = try Python.run([Self.script, file])
        #expect(result.status == 0, "\(result.output)")
        let read = try #require(try JSONValue.parse(result.output).objectValue)
        #expect(read["dtype"] == "<f4" && read["c"] == true)
        #expect(read["shape"] == [.integer(count), 32])
        let expected = try LineRun(predictor) { "\($0)" }.vectors(for: inputs)
        let bytes = expected.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) }
        }
        let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(read["bytes"]?.stringValue == hex)
    }
}
