import Files
import Foundation
import Torch

extension RunIdentity {
    /// The identity of a distillation.
    ///
    /// - Throws: `FileError` where a model's file cannot be read.
    init(_ request: DistillRequest, _ setup: DistillationSetup) throws {
        var digests = Self.digests(setup.data)
        let memo = DigestMemo(root: request.cache.root)
        for (index, teacher) in request.teachers.enumerated() {
            let name = request.teachers.count == 1 ? "the teacher's" : "teacher \(index + 1)'s"
            try Self.add(teacher.directory, name, memo, to: &digests)
        }
        for (teacher, scores) in request.scores.enumerated() {
            // The data are digested anyway; the column decides what is read of them.
            let column = scores.column.map { " ('\($0)')" } ?? ""
            if scores.files.isEmpty { digests["scores \(teacher + 1)\(column)"] = "in the data" }
            for (index, file) in scores.files.enumerated() {
                digests["file \(index + 1) of scores \(teacher + 1)\(column)"] = try memo.sha256(ofData: file)
            }
        }
        if let student = request.student.directory {
            try Self.add(student, "the student's", memo, to: &digests)
        }
        if let set = setup.retrieval?.student.set {
            digests["the queries"] = try memo.sha256(ofData: set.queries.file)
            digests["the documents"] = try memo.sha256(ofData: set.documents.file)
            digests["what is relevant"] = try memo.sha256(ofData: set.judgments)
        }
        for (index, file) in request.teacherLogprobs.enumerated() {
            digests["file \(index + 1) of log-probabilities"] = try memo.sha256(ofData: file)
        }
        self.init(
            command: "run",
            settings: Self.nodes(
                request.resolved(for: setup.problemType).settings, request.device, request.precision),
            digests: digests,
            machine: Self.machine(request.device, request.precision))
    }

    /// The identity of a fine-tuning.
    ///
    /// - Throws: `FileError` where a model's file cannot be read.
    init(_ request: FineTuneRequest, _ setup: FineTuningSetup) throws {
        var digests = Self.digests(setup.data)
        try Self.add(request.model, "the model's", DigestMemo(root: request.cache.root), to: &digests)
        self.init(
            command: "finetune", settings: Self.nodes(request.settings, request.device, request.precision),
            digests: digests,
            machine: Self.machine(request.device, request.precision))
    }

    /// The settings by name, with the precision that `auto` means here: what is made again from them computes alike.
    private static func nodes(
        _ settings: Settings, _ device: Device, _ precision: Precision
    ) -> [String: SettingNode] {
        var settings = settings
        settings.override("precision", precision.resolved(on: device))
        return Dictionary(settings.entries.map { ($0.name, $0.node) }) { _, last in last }
    }

    /// The digests of the data, as they were read.
    private static func digests(_ data: RunData) -> [String: String] {
        var digests = [
            "the training data": data.trainRecord.sha256,
            "the validation data": data.validationRecord.sha256,
        ]
        for (index, record) in data.unlabelledRecords.enumerated() {
            digests["file \(index + 1) of the unlabelled data"] = record.sha256
        }
        digests["the test data"] = data.test?.record.sha256
        return digests
    }

    /// Adds the digests of a model directory's files.
    private static func add(
        _ directory: URL, _ name: String, _ memo: DigestMemo, to digests: inout [String: String]
    ) throws {
        for (file, digest) in try ModelDigest.model(directory, memo: memo) {
            digests["\(name) \(file)"] = digest
        }
    }

    /// What decides the order of sums, and so the last bits, besides the data.
    private static func machine(_ device: Device, _ precision: Precision) -> [String: String] {
        let versions = RunReport.Versions.current
        let resolved = precision.resolved(on: device)
        var machine = [
            "the program's version": versions.distill, "libtorch's version": versions.libtorch,
            "the device": device.kind.rawValue, Self.precision: resolved.rawValue,
            "libtorch's processor capability": versions.cpuCapability,
        ]
        // Sums of the kernels have one order on any number of threads; libtorch's have not.
        if PackedKernels.arePreferred(for: resolved.dtype, on: device) {
            machine["the kernels"] = versions.kernels
        } else {
            machine["the kernels"] = "libtorch"
            machine[RunIdentity.threads] = "\(versions.threads)"
        }
        return machine
    }
}
