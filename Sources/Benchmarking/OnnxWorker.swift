import Distillation
import Foundation

/// The worker for ONNX models: Python with ONNX Runtime, whose program, `onnx_worker.py`, speaks the protocol of
/// ``WorkerRequest``.
enum OnnxWorker {
    /// The command that starts it.
    ///
    /// - Parameter environment: `DISTILL_PYTHON` names the interpreter; without it, `python3` is looked for on `PATH`.
    /// - Throws: `DistillationError` where there is no interpreter.
    static func command(_ environment: [String: String]) throws -> BenchmarkRequest.Command {
        guard let python = try PythonInterpreter(environment) else {
            throw DistillationError(
                "an ONNX model is measured by Python's onnxruntime, but there is no python3 on the PATH; install it, or set "
                    + "DISTILL_PYTHON to a Python that has onnxruntime")
        }
        return .init(
            executable: python.url,
            arguments: PythonInterpreter.arguments(PackageResources.onnx_worker_py, warmUp))
    }

    /// The numbers that its program takes: how it warms up.
    private static var warmUp: [String] {
        let warmUp = WarmUp()
        return [
            String(max(2, warmUp.maximumBlocks)), String(warmUp.blockPasses), String(warmUp.blockSeconds),
            String(warmUp.tolerance),
        ]
    }
}
