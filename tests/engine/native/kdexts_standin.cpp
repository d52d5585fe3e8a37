/* A STAND-IN for two commands of kdexts.dll, !process and !token, which comes only with Microsoft's installers.
 *
 * It decodes nothing. It answers from a file of saved output: `standin.txt` in the debugger's current folder, or
 * the file that KDTOKEN_STANDIN names. UTF-8, in blocks:
 *
 *     >>> !process ffffa08011000080 1
 *     (the lines to print, up to the next ">>> ")
 *
 * A command finds its block whatever its blanks and case, and however its numbers are written (0x, `).
 * Without a block it says that there is no such object, in words recalled from the genuine commands, not compared. */
#include <stdio.h>
#include <stdlib.h>
#include "engine.h"

/* "!process  0xFFFFA080`11000080 1 " -> "!process ffffa08011000080 1" */
static std::string fold(const std::string &command)
{
    std::string folded;
    for (char c : command) {
        if (c == '`' || c == '\r')
            continue;
        bool blank = c == ' ' || c == '\t';
        if (blank && (folded.empty() || folded.back() == ' '))
            continue;
        folded += blank ? ' ' : (char)tolower((unsigned char)c);
    }
    while (!folded.empty() && folded.back() == ' ')
        folded.pop_back();
    for (size_t at; (at = folded.find(" 0x")) != std::string::npos;)
        folded.erase(at + 1, 2);
    return folded;
}

static std::string saved_answer(const std::string &command, const std::string &otherwise)
{
    const wchar_t *named = _wgetenv(L"KDTOKEN_STANDIN");
    FILE *file = _wfopen(named && *named ? named : L"standin.txt", L"rb");
    if (!file)
        return otherwise;
    std::string text, line, answer;
    char piece[4096];
    for (size_t size; (size = fread(piece, 1, sizeof piece, file)) > 0;)
        text.append(piece, size);
    fclose(file);

    bool found = false, inside = false;
    for (size_t at = 0; at < text.size();) {
        size_t end = text.find('\n', at);
        end = end == std::string::npos ? text.size() : end + 1;
        line = text.substr(at, end - at);
        at = end;
        if (line.compare(0, 4, ">>> ") == 0) {
            inside = fold(line.substr(4, line.find_last_not_of("\r\n") - 3)) == command;
            found = found || inside;
        } else if (inside) {
            answer += line;
        }
    }
    return found ? answer : otherwise;
}

/* Line by line: the engine cuts one piece of output off at some 16,000 characters. */
static HRESULT answer(IDebugClient *client, const std::string &text)
{
    IDebugControl4 *control;
    HRESULT result = client->QueryInterface(IID_Control4, (void **)&control);
    if (FAILED(result))
        return result;
    for (size_t at = 0; at < text.size();) {
        size_t end = text.find('\n', at);
        end = end == std::string::npos ? text.size() : end + 1;
        control->ControlledOutputWide(DEBUG_OUTCTL_AMBIENT_TEXT, DEBUG_OUTPUT_NORMAL, L"%ws",
                                      wide(text.substr(at, end - at)).c_str());
        at = end;
    }
    control->Release();
    return S_OK;
}

static HRESULT command(IDebugClient *client, const char *name, PCSTR arguments, const char *before, const char *after)
{
    std::string typed = fold(std::string(name) + " " + arguments);
    std::string object = typed.substr(0, typed.find(' ', strlen(name) + 1)).substr(strlen(name));
    object = object.empty() ? "0" : object.substr(1);
    return answer(client, saved_answer(typed, before + object + after));
}

extern "C" __declspec(dllexport) HRESULT CALLBACK DebugExtensionInitialize(PULONG version, PULONG flags)
{
    *version = DEBUG_EXTENSION_VERSION(1, 0);
    *flags = 0;
    return S_OK;
}

extern "C" __declspec(dllexport) HRESULT CALLBACK process(IDebugClient *client, PCSTR arguments)
{
    return command(client, "!process", arguments, "TYPE mismatch for process object at ", "\n");
}

extern "C" __declspec(dllexport) HRESULT CALLBACK token(IDebugClient *client, PCSTR arguments)
{
    return command(client, "!token", arguments, "The address 0x", " does not point to a token object.\n");
}
