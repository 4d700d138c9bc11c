import ArgumentParser
import Distillation
import Foundation

/// Everything that describes a distillation: the options of both `run` and `check`.
struct RunOptions: ParsableArguments {
    @OptionGroup(title: "Teaching") var teaching: TeachingOptions
    @OptionGroup(title: "Student") var student: StudentOptionGroup
    @OptionGroup(title: "Data") var data: DataOptions
    @OptionGroup(title: "Data") var unlabelled: UnlabelledOptions
    @OptionGroup(title: "Data") var retrieval: RetrievalOptionGroup

    @Option(
        help: ArgumentHelp(
            "Texts, labeled as the training data are, on which the finished models are evaluated; nothing is chosen by them.",
            valueName: "file"),
        completion: .file(extensions: dataFileExtensions))
    var test: String?

    @Flag(
        help:
            "Also train the same student without the teacher, and report the improvement over this baseline.")
    var baseline = false

    @Option(
        help:
            "Do everything this many times with other seeds; report mean and standard deviation, save the best."
    )
    var seeds: Int?

    @OptionGroup(title: "Training") var training: TrainingOptions
    @OptionGroup(title: "Training") var lora: LoRAOptionGroup
    @OptionGroup(title: "Output") var output: OutputOptions
    @OptionGroup(title: "Output") var report: ReportOptions
    @OptionGroup(title: "Checkpoints") var checkpoints: CheckpointOptionGroup
    @OptionGroup(title: "Running") var cache: CacheOptionGroup
    @OptionGroup(title: "Running") var compute: ComputeOptions

    /// The flags and the configuration file as one request.
    ///
    /// - Parameter fallback: The output directory where none need be given.
    func request(output fallback: URL? = nil) throws -> DistillRequest {
        try DistillRequest(try settings(), output: fallback, locator: .commandLine)
    }

    /// The request of a static student; `nil` where another is asked for.
    func staticRequest() throws -> StaticStudentRequest? {
        let settings = try settings()
        guard try StaticStudentRequest.isAskedFor(in: settings) else { return nil }
        return try StaticStudentRequest(settings, locator: .commandLine)
    }

    /// The flags and the configuration file.
    private func settings() throws -> Settings {
        var settings = try Settings(path: output.config)
        register(in: &settings)
        return settings
    }

    private func register(in settings: inout Settings) {
        teaching.register(in: &settings)
        student.register(in: &settings)
        data.register(in: &settings)
        unlabelled.register(in: &settings)
        retrieval.register(in: &settings)
        settings.override("test", test)
        settings.override("baseline", switch: baseline)
        settings.override("seeds", seeds)
        training.register(in: &settings)
        lora.register(in: &settings)
        output.register(in: &settings)
        report.register(in: &settings)
        checkpoints.register(in: &settings)
        cache.register(in: &settings)
        compute.register(in: &settings)
    }
}
