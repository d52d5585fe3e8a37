/* A stand-in for bcdedit.exe, manage-bde.exe, net.exe and others: writes down how it was called and answers as told.
 *
 * RECORD_LOG      a file: one line a call, the program's name and its arguments as typed
 * RECORD_ANSWERS  a file: lines of CALL <tab> EXIT CODE <tab> TEXT, where \n in TEXT is a new line. The first line
 *                 whose CALL the call starts with counts; without one, the program says that all went well.
 * It changes nothing anywhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

int wmain(void)
{
    char program[MAX_PATH], call[4096], line[8192];
    char *name, *dot, *rest = GetCommandLineA();
    FILE *file;

    GetModuleFileNameA(NULL, program, sizeof program);
    name = strrchr(program, '\\') ? strrchr(program, '\\') + 1 : program;
    dot = strrchr(name, '.');
    if (dot) *dot = 0;
    if (*rest == '"') { rest = strchr(rest + 1, '"'); rest = rest ? rest + 1 : ""; }
    else rest += strcspn(rest, " \t");
    rest += strspn(rest, " \t");
    snprintf(call, sizeof call, "%s %s", name, rest);
    for (dot = call + strlen(call); dot > call && dot[-1] == ' ';) *--dot = 0;

    if (getenv("RECORD_LOG") && (file = fopen(getenv("RECORD_LOG"), "a"))) {
        fprintf(file, "%s\n", call);
        fclose(file);
    }
    if (getenv("RECORD_ANSWERS") && (file = fopen(getenv("RECORD_ANSWERS"), "r"))) {
        while (fgets(line, sizeof line, file)) {
            char *code = strchr(line, '\t'), *text = code ? strchr(code + 1, '\t') : NULL;
            if (!text) continue;
            *code++ = 0;
            *text++ = 0;
            text[strcspn(text, "\r\n")] = 0;
            if (strncmp(call, line, strlen(line)) != 0) continue;
            for (; *text; text++) {
                if (text[0] == '\\' && text[1] == 'n') { putchar('\n'); text++; }
                else putchar(*text);
            }
            return atoi(code);
        }
        fclose(file);
    }
    puts("The operation completed successfully.");
    return 0;
}
