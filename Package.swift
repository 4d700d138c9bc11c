// swift-tools-version: 6.1
import PackageDescription

// Where libtorch lies: `LIBTORCH` if set, else the link that `scripts/bootstrap.sh` makes beside this file.
let libtorch = Context.environment["LIBTORCH"] ?? "\(Context.packageDirectory)/.libtorch"

let torchHeaders: [CXXSetting] = [
    // Headers of libtorch include the operators that they use, not all of them.
    .define("AT_PER_OPERATOR_HEADERS"),
    .unsafeFlags([
        "-isystem", "\(libtorch)/include",
        "-isystem", "\(libtorch)/include/torch/csrc/api/include",
        // The shim's kernels are inner loops: optimise them in debug builds too.
        "-O2",
    ]),
]
let torchLibraries: [LinkerSetting] = [
    .unsafeFlags(["-L\(libtorch)/lib", "-Xlinker", "-rpath", "-Xlinker", "\(libtorch)/lib"]),
    .linkedLibrary("torch_cpu"),
    .linkedLibrary("c10"),
]

// Where Apache Arrow lies, for the trait `Parquet`: `ARROW` if set, else the link that `scripts/parquet.sh` makes.
let arrow = Context.environment["ARROW"] ?? "\(Context.packageDirectory)/.arrow"
let withParquet: BuildSettingCondition = .when(traits: ["Parquet"])

// SwiftPM refuses unsafe flags in a package that another one depends on by version; it checks such out into a folder `checkouts`.
let isDependency = Context.packageDirectory.contains("/checkouts/")
// The kernels are inner loops: optimised in debug builds too.
let kernelFlags: [CXXSetting] = isDependency ? [] : [.unsafeFlags(["-O2"])]

// What other packages are needed for.
let full: TargetDependencyCondition? = .when(traits: ["Full"])

let strict: [SwiftSetting] = [.swiftLanguageMode(.v6)]
// Where tests go over many texts or numbers, debug builds are optimised too.
let innerLoops = isDependency ? strict : strict + [.unsafeFlags(["-O"])]

let package = Package(
    name: "distill",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "distill", targets: ["distill"]),
        .executable(name: "distill-hub", targets: ["distill-hub"]),
        .executable(name: "distill-run", targets: ["distill-run"]),
        .executable(name: "distill-serve", targets: ["distill-serve"]),
        .library(name: "DistillRuntime", targets: ["DistillRuntime"]),
        .library(name: "DistillClient", targets: ["DistillClient"]),
        .library(name: "distill-c", type: .static, targets: ["DistillC"]),
        .library(name: "Distillation", targets: ["Distillation"]),
        .library(name: "Tuning", targets: ["Tuning"]),
        .library(name: "Quantization", targets: ["Quantization"]),
        .library(name: "Deployment", targets: ["Deployment"]),
        .library(name: "Benchmarking", targets: ["Benchmarking"]),
        .library(name: "Transformers", targets: ["Transformers"]),
        .library(name: "Generation", targets: ["Generation"]),
        .library(name: "Architectures", targets: ["Architectures"]),
        .library(name: "Torch", targets: ["Torch"]),
        .library(name: "Tokenizers", targets: ["Tokenizers"]),
        .library(name: "RegularExpressions", targets: ["RegularExpressions"]),
        .library(name: "ChatTemplates", targets: ["ChatTemplates"]),
        .library(name: "Conversations", targets: ["Conversations"]),
        .library(name: "Datasets", targets: ["Datasets"]),
        .library(name: "Safetensors", targets: ["Safetensors"]),
        .library(name: "GGUF", targets: ["GGUF"]),
        .library(name: "Exporters", targets: ["Exporters"]),
        .library(name: "Hub", targets: ["Hub"]),
    ],
    // The packages below are fetched for the trait `Full` alone, which is on unless a package that depends on this one says `traits: []`.
    traits: [
        .default(enabledTraits: ["Full"]),
        .trait(
            name: "Full",
            description:
                "All products. Without it those that need no other package, above all DistillRuntime and Tokenizers."
        ),
        .trait(
            name: "Parquet", description: "Read Parquet files, through Apache Arrow's C++ libraries.",
            enabledTraits: ["Full"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Torch-free foundations. Those before `Files` are free of Foundation too, for small static programs.
        .target(name: "Storage", dependencies: ["CSHA256"], swiftSettings: strict),
        .target(name: "JSON", dependencies: ["Storage"], swiftSettings: strict),
        .target(name: "Safetensors", dependencies: ["JSON", "Storage"], swiftSettings: strict),
        .target(name: "Architectures", dependencies: ["JSON", "Storage"], swiftSettings: strict),
        .target(name: "Tokenizers", dependencies: ["JSON", "Storage"], swiftSettings: innerLoops),
        .target(name: "ChatTemplates", dependencies: ["JSON", "Storage"], swiftSettings: innerLoops),
        // How a language model's next token is chosen, and texts made of tokens.
        .target(
            name: "Decoding", dependencies: ["ChatTemplates", "Tokenizers", "JSON", "Storage"],
            swiftSettings: innerLoops),
        .target(name: "GGUF", dependencies: ["CKernels", "JSON", "Storage"], swiftSettings: innerLoops),
        .target(name: "CSHA256", cSettings: isDependency ? [] : [.unsafeFlags(["-O2"])]),
        .target(name: "Files", dependencies: ["Storage"], swiftSettings: strict),
        .target(name: "RegularExpressions", dependencies: ["Tokenizers", "Files"], swiftSettings: strict),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        // Apache Arrow behind a C header; without the trait nothing is compiled.
        .target(
            name: "CParquet",
            cxxSettings: [
                .define("DISTILL_PARQUET", withParquet),
                .unsafeFlags(["-isystem", "\(arrow)/include", "-O2"], withParquet),
            ],
            linkerSettings: [
                .unsafeFlags(
                    ["-L\(arrow)/lib", "-Xlinker", "-rpath", "-Xlinker", "\(arrow)/lib"], withParquet),
                .linkedLibrary("parquet", withParquet),
                .linkedLibrary("arrow", withParquet),
            ]),
        .target(
            name: "Datasets",
            dependencies: [
                "JSON", "Files", "CZlib", .target(name: "CParquet", condition: .when(traits: ["Parquet"])),
            ],
            swiftSettings: strict),
        // The training texts of language models.
        .target(
            name: "Conversations",
            dependencies: [
                "Datasets", "ChatTemplates", "Tokenizers", "RegularExpressions", "JSON", "Files",
            ],
            swiftSettings: strict),
        // The Hub's names and its cache; then the network client, which only `distill-hub` and the library product need.
        .target(name: "HubStore", dependencies: ["JSON", "Files"], swiftSettings: strict),
        .target(
            name: "Hub",
            dependencies: [
                "HubStore", "Files",
                .product(name: "AsyncHTTPClient", package: "async-http-client", condition: full),
                .product(name: "NIOCore", package: "swift-nio", condition: full),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: full),
            ],
            swiftSettings: strict),
        .executableTarget(name: "distill-hub", dependencies: ["Hub"], swiftSettings: strict),

        .target(name: "TensorBoard", dependencies: ["Files"], swiftSettings: strict),
        .target(
            name: "Exporters",
            dependencies: [
                "Architectures", "JSON", "Files", "Safetensors", "GGUF", "Tokenizers", "RegularExpressions",
                "ChatTemplates", "Conversations",
                .product(name: "SwiftProtobuf", package: "swift-protobuf", condition: full),
            ],
            swiftSettings: strict),
        .target(
            name: "Reports",
            dependencies: [
                "JSON", "Files", .product(name: "Mustache", package: "swift-mustache", condition: full),
            ],
            swiftSettings: strict),

        // The kernels, which need no libtorch, and what runs models with them alone.
        .target(
            name: "CKernels", cxxSettings: kernelFlags,
            linkerSettings: [.linkedFramework("Accelerate", .when(platforms: [.macOS]))]),
        .target(
            name: "CTrainingKernels", dependencies: ["CKernels"],
            cxxSettings: kernelFlags + [.headerSearchPath("."), .headerSearchPath("../CKernels")]),
        .target(
            name: "DistillRuntime",
            dependencies: [
                "CKernels", "Decoding", "ChatTemplates", "Tokenizers", "Architectures", "Safetensors", "GGUF",
                "JSON", "Storage",
            ],
            swiftSettings: strict),

        // The runtime behind a C header, and as a program.
        .target(name: "CDistill"),
        .target(
            name: "DistillC",
            dependencies: [
                "CDistill", "CKernels", "DistillRuntime", "Decoding", "Architectures", "Tokenizers", "JSON",
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "distill-run",
            dependencies: [
                "CKernels", "DistillRuntime", "Decoding", "Architectures", "Tokenizers", "JSON", "Storage",
            ],
            swiftSettings: strict),

        // The HTTP server: batches, queue and routes without HTTP, then the program, and a client for it.
        .target(
            name: "Serving",
            dependencies: ["DistillRuntime", "Architectures", "Tokenizers", "JSON", "Storage"],
            swiftSettings: strict),
        .executableTarget(
            name: "distill-serve",
            dependencies: [
                "Serving", "DistillRuntime", "CKernels", "JSON", "Storage",
                .product(name: "Hummingbird", package: "hummingbird", condition: full),
                .product(name: "HummingbirdTLS", package: "hummingbird", condition: full),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle", condition: full),
                .product(name: "UnixSignals", package: "swift-service-lifecycle", condition: full),
                .product(name: "Logging", package: "swift-log", condition: full),
                .product(name: "NIOCore", package: "swift-nio", condition: full),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: full),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras", condition: full),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras", condition: full),
                .product(name: "NIOSSL", package: "swift-nio-ssl", condition: full),
                .product(name: "ArgumentParser", package: "swift-argument-parser", condition: full),
            ],
            // Parts of the program, which is one file.
            resources: [.embedInCode("page.html"), .embedInCode("page.css"), .embedInCode("page.js")],
            swiftSettings: strict),

        .target(
            name: "DistillClient",
            dependencies: [
                .product(name: "AsyncHTTPClient", package: "async-http-client", condition: full),
                .product(name: "NIOCore", package: "swift-nio", condition: full),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: full), "JSON",
            ],
            swiftSettings: strict),

        // The engine: libtorch behind a C header, then Swift.
        .target(
            name: "CTorch", dependencies: ["CKernels", "CTrainingKernels"],
            // Three translation units in place of two dozen: reading libtorch's headers is most of the compilation. The CUDA
            // sources are built by scripts/cuda.sh.
            exclude: ["cuda", "shim", "gloo"],
            cxxSettings: torchHeaders + [.headerSearchPath("."), .headerSearchPath("gloo")],
            linkerSettings: torchLibraries),
        .target(name: "Torch", dependencies: ["CTorch", "CKernels"], swiftSettings: strict),

        // Models, distillation, command line.
        .target(
            name: "Transformers",
            dependencies: ["Torch", "Architectures", "GGUF", "Safetensors", "JSON", "Files"],
            swiftSettings: strict),
        .target(
            name: "Generation",
            dependencies: [
                "Decoding", "Torch", "Transformers", "Architectures", "Tokenizers", "RegularExpressions",
                "GGUF", "JSON", "Files",
            ],
            swiftSettings: innerLoops),
        .target(
            name: "Distillation",
            dependencies: [
                "Torch", "Transformers", "Tokenizers", "RegularExpressions", "Datasets", "HubStore",
                "Safetensors",
                "TensorBoard", "Exporters", "Reports", "JSON", "Files", "GGUF", "ChatTemplates",
                "Conversations",
                "DistillRuntime", "Generation", .product(name: "Yams", package: "Yams", condition: full),
            ],
            swiftSettings: strict),
        // What is done around a training: settings searched, models quantised, exported and measured.
        .target(
            name: "Tuning", dependencies: ["Distillation", "Transformers", "Datasets", "Reports", "Files"],
            swiftSettings: strict),
        .target(
            name: "Quantization",
            dependencies: [
                "Distillation", "Deployment", "Transformers", "Torch", "Tokenizers", "RegularExpressions",
                "Datasets",
                "Safetensors",
                "Files",
            ], swiftSettings: strict),
        .target(
            name: "Deployment",
            dependencies: [
                "Distillation", "Transformers", "Torch", "Tokenizers", "Datasets", "Exporters", "Safetensors",
                "JSON", "Files", "Decoding", "Generation", "ChatTemplates", "Conversations", "GGUF",
                "DistillRuntime", "RegularExpressions",
            ],
            // Part of the program, which is one file.
            resources: [.embedInCode("onnx_logits.py")], swiftSettings: strict),
        .target(
            name: "Benchmarking",
            dependencies: [
                "Distillation", "Transformers", "Torch", "Tokenizers", "RegularExpressions", "Datasets",
                "Safetensors",
                "Reports", "Files",
            ],
            resources: [.embedInCode("onnx_worker.py")], swiftSettings: strict),
        .executableTarget(
            name: "distill",
            dependencies: [
                "Distillation", "Tuning", "Quantization", "Deployment", "Benchmarking", "Transformers",
                "Torch", "Tokenizers", "Datasets", "Exporters", "HubStore", "Generation",
                "Reports", "Files", "DistillRuntime", "Architectures", "RegularExpressions",
                .product(name: "ArgumentParser", package: "swift-argument-parser", condition: full),
            ],
            swiftSettings: strict),

        // Our side of `make benchmark`.
        .executableTarget(
            name: "benchmark-runner",
            dependencies: [
                "Distillation", "Transformers", "Tokenizers", "RegularExpressions", "Datasets", "Torch",
                "JSON",
            ],
            path: "Benchmarks/Runner", swiftSettings: strict),

        // Every parser of files, as `make fuzz` and the tests feed it.
        .target(
            name: "FuzzSubjects",
            dependencies: [
                "JSON", "Files", "Safetensors", "Architectures", "Tokenizers", "RegularExpressions",
                "Datasets",
                "HubStore", "Hub", "Torch", "Transformers", "Distillation", "GGUF", "ChatTemplates",
            ], path: "Fuzz/Subjects", swiftSettings: strict),
        .testTarget(
            name: "FuzzTests", dependencies: ["FuzzSubjects"], path: "Fuzz/Tests", swiftSettings: strict),

        // What several suites need.
        .target(
            name: "TestSupport", dependencies: ["JSON"], path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(
            name: "JSONTests", dependencies: ["JSON", "Files", "TestSupport"], exclude: ["Fixtures"],
            swiftSettings: strict),
        .testTarget(
            name: "FilesTests", dependencies: ["Files", "Storage", "CSHA256", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "SafetensorsTests", dependencies: ["Safetensors", "Files", "TestSupport"],
            exclude: ["Fixtures"],
            swiftSettings: strict),
        .testTarget(
            name: "GGUFTests",
            dependencies: ["GGUF", "Tokenizers", "RegularExpressions", "JSON", "Files", "TestSupport"],
            exclude: ["Fixtures"], swiftSettings: strict),
        .testTarget(
            name: "HubTests",
            dependencies: [
                "Hub", "HubStore", "distill-hub", "distill", "JSON", "Files", "TestSupport",
                .product(name: "NIOCore", package: "swift-nio", condition: full),
                .product(name: "NIOPosix", package: "swift-nio", condition: full),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: full),
            ], exclude: ["hub.py", "Fixtures"], swiftSettings: strict),
        .testTarget(name: "TensorBoardTests", dependencies: ["TensorBoard"], swiftSettings: strict),
        .testTarget(
            name: "ReportsTests", dependencies: ["Reports", "JSON", "Files", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ExportersTests",
            dependencies: [
                "Exporters", "Architectures", "JSON", "Safetensors", "Files",
                .product(name: "SwiftProtobuf", package: "swift-protobuf", condition: full),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "TokenizersTests",
            dependencies: ["Tokenizers", "RegularExpressions", "JSON", "Files", "TestSupport"],
            exclude: ["Fixtures"],
            swiftSettings: strict),
        .testTarget(
            name: "ChatTemplatesTests", dependencies: ["ChatTemplates", "JSON", "Files", "TestSupport"],
            exclude: ["Fixtures"],
            swiftSettings: strict),
        .testTarget(
            name: "ConversationsTests",
            dependencies: [
                "Conversations", "Datasets", "ChatTemplates", "Tokenizers", "RegularExpressions", "JSON",
                "Files",
                "TestSupport",
            ], exclude: ["Fixtures"], swiftSettings: strict),
        .testTarget(
            name: "DatasetsTests", dependencies: ["Datasets", "JSON", "Files"], exclude: ["Fixtures"],
            swiftSettings: strict),
        .testTarget(
            name: "TorchTests", dependencies: ["Torch", "Safetensors", "Files", "TestSupport"],
            exclude: ["Fixtures"],
            swiftSettings: strict),
        .testTarget(
            name: "DistillRuntimeTests",
            dependencies: [
                "CKernels", "Decoding", "DistillRuntime", "DistillC", "CDistill", "Architectures",
                "Tokenizers", "Safetensors", "GGUF", "JSON", "Files", "TestSupport",
            ], exclude: ["Fixtures"], swiftSettings: strict),
        .testTarget(
            name: "ServingTests",
            dependencies: [
                "Serving", "DistillClient", "distill-serve", "distill-run", "distill", "DistillRuntime",
                "Safetensors", "Tokenizers", "JSON", "Files", "TestSupport",
            ], exclude: ["Fixtures"], swiftSettings: strict),
        .testTarget(
            name: "ArchitecturesTests",
            dependencies: [
                "Architectures", "Transformers", "Exporters", "Safetensors", "JSON", "Files", "TestSupport",
            ], swiftSettings: strict),
        .testTarget(
            name: "TransformersTests",
            dependencies: ["Transformers", "Torch", "GGUF", "Safetensors", "JSON", "Files", "TestSupport"],
            exclude: ["Fixtures"],
            swiftSettings: strict),
        .testTarget(
            name: "GenerationTests",
            dependencies: [
                "Decoding", "Generation", "DistillRuntime", "Architectures", "Safetensors", "Transformers",
                "Torch", "Tokenizers", "RegularExpressions", "JSON", "Files", "TestSupport",
            ], exclude: ["Fixtures"], swiftSettings: strict),
        .testTarget(
            name: "DistillationTests",
            dependencies: [
                "Distillation", "Tuning", "Quantization", "Deployment", "Benchmarking", "Transformers",
                "Torch", "Tokenizers", "RegularExpressions", "Datasets", "Safetensors", "Reports",
                "DistillRuntime", "JSON", "Generation", "GGUF", "Exporters", "Architectures", "TestSupport",
                "Files",
            ], exclude: ["Fixtures"], swiftSettings: strict),
        .testTarget(
            name: "CommandLineTests",
            dependencies: [
                "distill", "distill-hub", "distill-run", "DistillRuntime", "Distillation", "Tuning",
                "Benchmarking", "Deployment", "Architectures",
                "HubStore", "Files",
                .product(name: "ArgumentParser", package: "swift-argument-parser", condition: full),
            ], swiftSettings: strict),
        .testTarget(
            name: "InteropTests",
            dependencies: [
                "Distillation", "Quantization", "Deployment", "Benchmarking", "Transformers", "Torch",
                "Tokenizers", "RegularExpressions", "Safetensors", "TensorBoard",
                "Exporters", "ChatTemplates", "Generation", "DistillRuntime", "GGUF",
                "JSON", "Files",
            ],
            exclude: [
                "Fixtures", "adapter_interop.py", "card.py", "coreml_interop.py",
                "embedding_interop.py", "gguf_interop.py", "interop.py",
                "language_model_interop.py",
                "onnx_export.py",
                "onnx_families.py", "onnx_interop.py",
                "tensorboard_reader.py", "token_interop.py",
                "trimming.py", "vectors.py",
            ],
            swiftSettings: strict),
    ],
    cxxLanguageStandard: .cxx20
)

// The fuzzer itself needs libFuzzer, whose place scripts/fuzz.sh finds.
if let library = Context.environment["DISTILL_FUZZ"] {
    package.targets.append(
        .executableTarget(
            name: "fuzz", dependencies: ["FuzzSubjects"], path: "Fuzz/Runner", swiftSettings: strict,
            linkerSettings: [.unsafeFlags(["-Xlinker", library]), .linkedLibrary("stdc++")]))
}
