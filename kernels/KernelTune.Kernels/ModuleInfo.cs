using System.Runtime.CompilerServices;

// Kernels write every local before they read it: clearing the stack first would cost time in short calls.
[module: SkipLocalsInit]
